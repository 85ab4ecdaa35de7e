"""Pictures of one colour: valid files of any size in pixels, which are small and quick to make."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from runtime.decoding.opencv import cv2

_CHUNK = 2**20


def png(width: int, height: int, *, depth: int = 8, colour_type: int = 0) -> bytes:
    """Return a black PNG. colour_type: 0 grey, 2 RGB, 6 RGBA; depth: 8 or 16 bits each."""
    bits = depth * {0: 1, 2: 3, 6: 4}[colour_type]
    row = 1 + width * bits // 8
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", _deflated_zeros(row * height))
    return b"\x89PNG\r\n\x1a\n" + data + _png_chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    """Return a grey JPEG; its sides must be multiples of 8."""
    small = bytearray(cv2.imencode(".jpg", _grey_tile())[1].tobytes())
    frame, scan = small.index(b"\xff\xc0"), small.index(b"\xff\xda")
    struct.pack_into(">HH", small, frame + 5, height, width)
    scan += 2 + struct.unpack_from(">H", small, scan + 2)[0]
    # A block as the one before it is "00" (same mean) and "1010" (no more coefficients).
    blocks = width * height // 64
    return bytes(small[:scan]) + b"\x28\xa2\x8a" * -(-blocks // 4) + b"\xff\xd9"


def bmp(width: int, height: int) -> bytes:
    """Return a black BMP with run-length encoding."""
    row = b"\xff\0" * (width // 255) + bytes((width % 255, 0)) + b"\0\0"
    pixels = row * height + b"\0\1"
    palette = bytes(4 * 256)
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + info + palette + pixels


def tiff(width: int, height: int) -> bytes:
    """Return a black TIFF, deflated."""
    data = _deflated_zeros(width * height)
    tags = (
        *((256, width), (257, height), (258, 8), (259, 8), (262, 1), (273, 8)),
        *((277, 1), (278, height), (279, len(data))),
    )
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + b"\0\0\0\0"


def gif(width: int, height: int) -> bytes:
    """Return a black GIF. Each code of its LZW means one pixel more than the code before."""
    left, codes = width * height, []
    while left:
        codes.append(256)  # Clear.
        length = 1
        while left and 256 + length < 4094:
            length = min(length, left)
            codes.append(0 if length == 1 else 256 + length)
            left -= length
            length += 1
    codes.append(257)  # End.
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + bytes(3 * 256)
    image = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x08"
    packed = _lzw_bits(codes)
    blocks = (packed[at : at + 255] for at in range(0, len(packed), 255))
    return head + image + b"".join(bytes((len(one),)) + one for one in blocks) + b"\0;"


def webp(width: int, height: int) -> bytes:
    """Return a grey WebP, lossless: a picture of one colour has no bits for its pixels."""
    quality = [cv2.IMWRITE_WEBP_QUALITY, 101]
    data = bytearray(cv2.imencode(".webp", _grey_tile(), quality)[1].tobytes())
    start = data.index(b"VP8L") + 9
    (bits,) = struct.unpack_from("<I", data, start)
    struct.pack_into("<I", data, start, bits & ~(2**28 - 1) | (height - 1) << 14 | (width - 1))
    return bytes(data)


LARGE_PICTURES = {"png": png, "jpeg": jpeg, "webp": webp, "bmp": bmp, "tiff": tiff, "gif": gif}


def write_growing_mov(path: Path, pictures: list[bytes], codec: str = "png") -> None:
    """Write a recording whose frames have the sizes of these pictures, in the middle too."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "gray"
        stream.codec_context.time_base = Fraction(1, 25)
        for number, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.duration, packet.is_keyframe = 1, True
            container.mux(packet)


def _grey_tile() -> npt.NDArray[np.uint8]:
    return np.full((16, 16), 128, np.uint8)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _deflated_zeros(count: int) -> bytes:
    """Return `count` zeros in the format of zlib. Full flushes let one block stand for all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(_CHUNK)) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = packer.compress(bytes(count % _CHUNK)) + packer.flush()
    checksum = (count % 65521) << 16 | 1
    return b"\x78\xda" + block * (count // _CHUNK) + rest + struct.pack(">I", checksum)


def _lzw_bits(codes: list[int]) -> bytes:
    """Pack the codes of a GIF, lowest bits first; their width grows with the decoder's table."""
    packed, bits, held = bytearray(), 0, 0
    width, entries, is_first = 9, 258, True
    for code in codes:
        bits |= code << held
        held += width
        packed += (bits & ((1 << held // 8 * 8) - 1)).to_bytes(held // 8, "little")
        bits >>= held // 8 * 8
        held %= 8
        if code == 256:
            width, entries, is_first = 9, 258, True
        elif is_first:
            is_first = False
        else:
            entries += 1
            width += entries == 1 << width and width < 12
    return bytes(packed) + bits.to_bytes(1, "little")
