"""What all figures share: style, marks and inline SVG."""
