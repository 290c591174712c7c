"""Copies the rows of one account of an SQLite store: FILE MODEL FROM TO."""

import hashlib
import sqlite3
import sys

file, model, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
database = sqlite3.connect(file, timeout=60, isolation_level=None)
database.execute("PRAGMA synchronous = OFF")
database.execute("PRAGMA cache_size = -200000")


def row(table, condition, value):
    cursor = database.execute(f"SELECT * FROM {table} WHERE {condition} ORDER BY id LIMIT 1", (value,))
    return {name[0]: value for name, value in zip(cursor.description, cursor.fetchone())}


def copies(table, model, changes):
    names = ", ".join(model)
    places = ", ".join("?" for _ in model)
    rows = (tuple({**model, **changes(n)}.values()) for n in range(first, last + 1))
    database.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)


def token(n):
    text = "rt_" + str(n).rjust(42, "x") + "A"
    return n, 0, hashlib.sha256(text.encode()).digest(), n.to_bytes(16, "big"), session["created_at"]


user = row("users", "email = ?", model)
session = row("sessions", "user_id = ?", user["id"])
database.execute("BEGIN IMMEDIATE")
copies("users", user, lambda n: {"id": n, "email": f"bulk{n}@example.com"})
copies("sessions", session, lambda n: {"id": n, "user_id": n})
tokens = (token(n) for n in range(first, last + 1))
database.executemany("INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)", tokens)
database.execute("COMMIT")
database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
