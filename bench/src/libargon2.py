"""Hashes in a second by libargon2, one thread per core: SECONDS THREADS KIB PASSES."""

import ctypes
import sys
import threading
import time

seconds, threads, memory, passes = (int(word) for word in sys.argv[1:])
library = ctypes.CDLL("libargon2.so.1")
end = time.monotonic() + seconds
counts = [0] * threads


def work(number):
    tag = ctypes.create_string_buffer(32)
    while time.monotonic() < end:
        # The call lets go of the interpreter's lock.
        failed = library.argon2id_hash_raw(
            ctypes.c_uint32(passes), ctypes.c_uint32(memory), ctypes.c_uint32(1),
            b"password", ctypes.c_size_t(8), b"somesaltsomesalt", ctypes.c_size_t(16), tag, ctypes.c_size_t(32),
        )
        if failed:
            sys.exit(f"libargon2 says {failed}")
        counts[number] += 1


workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(sum(counts) / seconds)
