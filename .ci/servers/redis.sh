# A Redis that keeps what it has acknowledged.
port=$(free_port)
mkdir "$work/redis"
background redis redis-server --port "$port" --bind 127.0.0.1 --dir "$work/redis" \
	--save '' --appendonly yes --appendfsync always
wait_until redis 60 redis-cli -h 127.0.0.1 -p "$port" ping
export TALIX_TEST_REDIS=redis://127.0.0.1:$port
