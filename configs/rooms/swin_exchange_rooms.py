# The demo with attention between the maps of the dense tasks: semantic classes and depth exchange
# what their decoders found, in windows of 8 x 8.
_base_ = "swin_cond_rooms.py"
model = dict(exchange=dict(type="CrossTaskAttention", channels=32, num_heads=4, window_size=8))
