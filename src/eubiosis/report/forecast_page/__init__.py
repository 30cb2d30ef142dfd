"""The forecast of a group and the scores of finished studies: figure and page."""
