"""A mail server for tests. It keeps what it takes as one JSON object a line in `mails.jsonl`.

usage: smtp_server.py PORT plain|starttls|implicit [CERTIFICATE KEY] [--login USER PASSWORD]

What it does with a message is told by the recipient's local part, so that tests can share one server:

    refused    550 5.1.1 to the recipient        busy      451 4.3.0 to the recipient
    relay      550 5.7.1 to the recipient        spam      554 5.6.0 to the message, quoting it
    hang       never answers the message         drop      hangs up after the message
    slow…      takes 50 ms for the message

and `nosender` as the sender's local part is refused with 550 5.1.8.
"""

import asyncio
import email
import email.policy
import itertools
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

ANSWERS = {
    "refused": "550 5.1.1 no such user",
    "busy": "451 4.3.0 try again later",
    "relay": "550 5.7.1 relaying denied",
}
sessions = itertools.count(1)


class Keeper:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        session.number = getattr(session, "number", None) or next(sessions)
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("nosender@"):
            return "550 5.1.8 sender refused"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = ANSWERS.get(address.split("@")[0])
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        if local == "hang":
            await asyncio.sleep(3600)
        if local.startswith("slow"):
            await asyncio.sleep(0.05)
        if local == "drop":
            server.transport.abort()
            return "451 gone"
        if local == "spam":
            links = [line for line in envelope.content.decode().splitlines() if "https://" in line]
            return "554 5.6.0 refused for: " + "".join(links)[:300]
        keep(session, envelope)
        return "250 2.0.0 kept"


def keep(session, envelope):
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    record = {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "headers": [[name, str(value)] for name, value in mail.items()],
        "type": mail.get_content_type(),
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else "",
        "raw": envelope.content.decode("utf-8", "replace"),
        "encrypted": session.ssl is not None,
        "user": session.auth_data.login.decode() if session.auth_data else None,
        "session": session.number,
    }
    with open("mails.jsonl", "a") as file:
        file.write(json.dumps(record) + "\n")


def authenticator(user, password):
    def check(server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode())
        # `handled=False` makes the server send the refusal.
        return AuthResult(success=right, handled=False, auth_data=data)

    return check


async def main(port, mode, *rest):
    rest = list(rest)
    options = {"enable_SMTPUTF8": True, "hostname": "mail.example.com"}
    if "--login" in rest:
        at = rest.index("--login")
        options["authenticator"] = authenticator(*rest[at + 1 : at + 3])
        options["auth_required"] = True
        options["auth_require_tls"] = mode == "starttls"
        del rest[at:]
    context = None
    if rest:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*rest)
    if mode == "starttls" and context:
        options |= {"tls_context": context, "require_starttls": True}
    implicit = context if mode == "implicit" else None
    if implicit:
        # The session was encrypted before this server saw it, which it cannot know by itself.
        options["auth_require_tls"] = False
    handler = Keeper()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, **options), "127.0.0.1", int(port), ssl=implicit
    )
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
