"""Make the secrets of the compose file, once: python3 deploy/compose/make_secrets.py [DIRECTORY].

What is there is left as it is. Needs nothing but Python.
"""

import hashlib
import secrets
import sys
from pathlib import Path

DEFAULT = Path(__file__).parent / "secrets"


def main(directory: Path) -> None:
    """Write what is missing, for us and the containers' user alone to read."""
    directory.mkdir(mode=0o700, exist_ok=True)
    token = secrets.token_urlsafe(24)
    digest = hashlib.sha256(token.encode()).hexdigest()
    made = {
        "metrics-token": secrets.token_urlsafe(24),
        "intake-token": secrets.token_urlsafe(24),
        "grafana-password": secrets.token_urlsafe(24),
        "board-token": token,
        "board-tokens": f'[[tokens]]\nname = "lead"\nrole = "lead"\nsha256 = "{digest}"\n',
        # The address of a chat's incoming webhook. Nobody listens at this one; put yours here.
        "chat": "http://127.0.0.1:9/",
    }
    if (directory / "board-tokens").exists():
        del made["board-token"]
    for name, text in made.items():
        path = directory / name
        if not path.exists():
            path.write_text(text + "\n" if not text.endswith("\n") else text, "utf-8")
            # The containers' user is another one; the directory keeps everybody else out.
            path.chmod(0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
