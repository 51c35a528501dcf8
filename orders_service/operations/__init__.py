"""Looking at background work, and steering it. The front door of this slice."""
