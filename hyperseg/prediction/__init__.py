"""Prediction on pictures, videos and cameras: from any frame to its classes, as pictures and areas."""
