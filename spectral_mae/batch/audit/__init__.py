"""What ``audit`` makes of a model and images: numbers, pictures and the page.

- `pictures`: the pictures of an audit.
- `report`: the files of an audit: tables, pictures and the page.
- `run`: `audit_images`, from a model and images in files to an audit and its page.
"""
