from .cropping import crop_to_multiple as crop_to_multiple
from .cropping import resize_and_crop as resize_and_crop
from .image import read_image as read_image
from .samples import ImageRefused as ImageRefused
