# A RabbitMQ with a register of names (epmd) of its own, so that it meets no
# other one. The program in the path wants to be another user.
port=$(free_port)
mkdir "$work/rabbitmq"
printf '[].\n' >"$work/rabbitmq/plugins"
printf 'listeners.tcp.1 = 127.0.0.1:%s\n' "$port" >"$work/rabbitmq/rabbitmq.conf"
settings=(
	HOME="$work/rabbitmq"
	ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$(free_port)" RABBITMQ_DIST_PORT="$(free_port)"
	RABBITMQ_NODENAME="talix$port@localhost" RABBITMQ_CONF_ENV_FILE=/dev/null
	RABBITMQ_MNESIA_BASE="$work/rabbitmq" RABBITMQ_LOG_BASE="$work/rabbitmq"
	RABBITMQ_PID_FILE="$work/rabbitmq/pid" RABBITMQ_CONFIG_FILE="$work/rabbitmq/rabbitmq"
	RABBITMQ_ENABLED_PLUGINS_FILE="$work/rabbitmq/plugins"
	RUNNING_UNDER_SYSTEMD=true # one process, without a shell around it
)
background epmd env "${settings[@]}" epmd
background rabbitmq env "${settings[@]}" /usr/lib/rabbitmq/bin/rabbitmq-server
wait_until rabbitmq 180 bash -c ": </dev/tcp/127.0.0.1/$port"
export TALIX_TEST_RABBITMQ=amqp://guest:guest@127.0.0.1:$port/
