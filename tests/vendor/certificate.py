"""A certificate for every host, for clients that reach `VendorAPI` by way of a proxy; made anew by each process."""

from __future__ import annotations

import atexit
import shutil
import ssl
import subprocess
import tempfile
from functools import cache
from pathlib import Path

HOSTS = ("*.googleapis.com", "googleapis.com", "localhost")


@cache
def files() -> tuple[Path, Path]:
    """The certificate, which a client has to trust as an authority, and its key."""
    folder = Path(tempfile.mkdtemp(prefix="uutel-certificate-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=loopback"]
    make += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    return certificate, key


@cache
def context() -> ssl.SSLContext:
    """The server's side of it."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files())
    return made
