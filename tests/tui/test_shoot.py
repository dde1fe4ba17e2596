import subprocess
import sys
from pathlib import Path

from PIL import Image

SHOOT = Path(__file__).parents[2] / "docs" / "shoot.py"


def test_a_captured_terminal_becomes_a_picture(tmp_path: Path) -> None:
    capture, picture = tmp_path / "capture.txt", tmp_path / "out.png"
    capture.write_text("\x1b[31m█\x1b[0m ⣿ ┏━ 日本 plain\n\x1b[1;96mbold\x1b[0m\n")

    subprocess.run([sys.executable, SHOOT, "--ansi", capture, picture, "--size", "20x3"], check=True)

    with Image.open(picture) as image:
        assert image.size == (200, 63)
        assert image.getpixel((5, 10)) == (128, 0, 0)
