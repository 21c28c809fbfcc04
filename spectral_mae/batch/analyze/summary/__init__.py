"""What a run of ``analyze`` says of its images together, for the top of its page.

- `answer`: the answer in sentences.
- `choice`: which images are typical, steepest, flattest and odd, and how unusual each one is.
- `data_set`: the mean spectrum of the images, as it is and under masks, with its spread.
- `page_numbers`: a few numbers of each image, as one array.
- `pictures`: drawings of the mean spectrum and of the slopes.
- `rows`: the table of all images, as the script of the page takes it.
"""
