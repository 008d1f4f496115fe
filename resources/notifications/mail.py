"""Mail by SMTP: with STARTTLS or from the first byte over TLS, the server's certificate and name always verified.

RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte).
"""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate

from platform_assets.domain.alerts.message import Message, html, plain_text, subject
from resources.notifications.channel import TIMEOUT_SECONDS, NotDelivered, scrubbed


@dataclass(frozen=True)
class Mail:
    """Mail from one address to one other over one server. `security`: starttls, tls, or none (this machine only)."""

    host: str
    port: int
    security: str
    sender: str
    address: str
    user: str = ""
    password: str = field(default="", repr=False)
    authorities: str = ""
    timeout: float = TIMEOUT_SECONDS

    def send(self, message: Message) -> None:
        """Hand the message to the server, once. Raises NotDelivered; permanent where it refuses address or content."""
        try:
            server = self._connected()
            try:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(self._written(message), self.sender, [self.address])
            finally:
                # The server has taken the message or not; how the farewell goes changes nothing.
                with suppress(OSError, smtplib.SMTPException):
                    server.quit()
        except smtplib.SMTPException as error:
            raise self._refused(error) from None
        except OSError as error:  # no connection, a certificate that can't be trusted, silence
            raise self._failed(f"{type(error).__name__}: {error}") from None

    def _connected(self) -> smtplib.SMTP:
        if self.security == "none":
            return smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        trusted = ssl.create_default_context(cafile=self.authorities or None)
        trusted.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=trusted)
        server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            # Raises where the server doesn't offer it: nothing is ever sent in clear text instead.
            server.starttls(context=trusted)
        except BaseException:
            server.close()
            raise
        return server

    def _written(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = subject(message)
        mail["From"], mail["To"] = self.sender, self.address
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.message_id}@{self.sender.rpartition('@')[2]}>"
        mail["X-Platform-Message-Id"] = message.message_id
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(plain_text(message))
        mail.add_alternative(html(message), subtype="html")
        return mail

    def _refused(self, error: smtplib.SMTPException) -> NotDelivered:
        """What the server said: 4yz may go away by itself, 5yz to address or content won't (RFC 5321, 4.2.1)."""
        answer: bytes | str
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, answer = error.recipients[self.address]
        elif isinstance(error, smtplib.SMTPResponseException):
            code, answer = error.smtp_code, error.smtp_error
        else:
            return self._failed(f"{type(error).__name__}: {error}")
        told = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
        # What is wrong with a login is mended here, not in the message.
        final = code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError)
        return self._failed(f"{code} {told}", permanent=final and not isinstance(error, smtplib.SMTPHeloError))

    def _failed(self, told: str, *, permanent: bool = False) -> NotDelivered:
        where = f"mail server {self.host}:{self.port}"
        return NotDelivered(scrubbed(told, self.password, self.address), where=where, permanent=permanent)
