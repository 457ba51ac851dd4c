"""From results to something people look at: views, one self-contained HTML file, matplotlib figures."""
