"""What ``compare`` makes of originals and reconstructions: tables, pictures and a page.

- `matching`: which image of a model belongs to which original: by name, or by order.
- `options`: what is done to each pair of images.
- `pictures`: the pictures of the page.
- `report`: tables, pictures and page, written into a folder.
- `result`: what a comparison has found.
- `run`: `compare_images`, from images to tables, pictures and a page.
"""
