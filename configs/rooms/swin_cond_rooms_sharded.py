# The demo's three tasks with weights, gradients and optimizer state divided among the processes:
#   tools/dist_train.sh configs/rooms/swin_cond_rooms_sharded.py 2
_base_ = "swin_cond_rooms.py"
runner_type = "ShardedRunner"
