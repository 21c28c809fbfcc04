"""What a run of ``analyze`` says of its images together, for the top of its page.

- `answer`: the answer in sentences.
- `choice`: which images are typical, steepest, flattest and most unusual, and how unusual each is.
- `data_set`: the mean spectrum of the images, as it is and under masks, with its spread.
- `filling`: what a linear model fills in, with its spread over images.
- `next_steps`: commands that go on from the run.
- `octave_words`: octaves in words.
- `page_numbers`: a few numbers of each image, as one array.
- `pictures`: drawings of the mean spectrum and of the slopes.
- `rows`: the table of all images, as the script of the page takes it.
- `rounding`: how numbers are rounded.
- `sample`: some images, read once more.
- `unusual_table`: unusual.csv.
"""
