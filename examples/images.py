"""A question about an image. The image is made here; a file's bytes go the same way."""

import base64
import struct
import zlib

import litellm

import uutel


def png(width: int, height: int, red: int, green: int, blue: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes((red, green, blue)) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


image = base64.b64encode(png(16, 16, 220, 20, 60)).decode()
question = [
    {"type": "text", "text": "Which colour is this square? One word."},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}},
]
response = litellm.completion(model="uutel/claude-code/sonnet", messages=[{"role": "user", "content": question}])

print(response.choices[0].message.content)
