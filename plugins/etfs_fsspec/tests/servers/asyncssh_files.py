"""The files of this host over SFTP, by asyncssh: ``python asyncssh_files.py host port user password``.

A program of its own, run by the Python that has asyncssh.
"""

import asyncio
import sys

import asyncssh


class OneUser(asyncssh.SSHServer):
    """Lets one user in, with a password."""

    def __init__(self, user: str, password: str) -> None:
        self._login = (user, password)

    def begin_auth(self, username: str) -> bool:
        """Ask for a password, always."""
        return True

    def password_auth_supported(self) -> bool:
        """Say that there are passwords."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Tell whether it is the right one."""
        return (username, password) == self._login


async def main(host: str, port: str, user: str, password: str) -> None:
    """Serve until killed."""
    await asyncssh.create_server(
        lambda: OneUser(user, password),
        host,
        int(port),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        sftp_factory=asyncssh.SFTPServer,
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
