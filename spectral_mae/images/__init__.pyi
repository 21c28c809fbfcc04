from .image import crop_to_multiple as crop_to_multiple
from .image import read_image as read_image
from .image import resize_and_crop as resize_and_crop
from .samples import ImageRefused as ImageRefused
