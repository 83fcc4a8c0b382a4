"""Makes the pictures beside this file: `python make.py`, with Pillow 11 or later."""

from PIL import Image

WIDTH, HEIGHT = 56, 40
picture = Image.new("RGB", (WIDTH, HEIGHT))
picture.putdata([(4 * x, 6 * y, (7 * x + 5 * y * y) % 256) for y in range(HEIGHT) for x in range(WIDTH)])
exif = Image.Exif()
exif[0x0112] = 6  # the camera was turned: the right side of the stored picture is the top

picture.save("baseline-420.jpg", quality=80, subsampling="4:2:0")
picture.save("baseline-422-restarts.jpg", quality=80, subsampling="4:2:2", restart_marker_blocks=3)
picture.save("progressive-420.jpg", quality=80, subsampling="4:2:0", progressive=True)
picture.save("progressive-444-restarts.jpg", quality=95, subsampling="4:4:4", progressive=True, restart_marker_rows=1)
picture.convert("L").save("grey-progressive.jpg", quality=80, progressive=True)
picture.convert("CMYK").save("cmyk.jpg", quality=80)
picture.save("turned.jpg", quality=80, exif=exif)
picture.quantize(16).save("palette.png", transparency=3)
picture.save("animated.png", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT), "red")])
