# PostgreSQL for the tests of store/postgres and of what runs on it.

postgres_programs() { compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1; }

[[ -n $(postgres_programs) ]] || install_packages postgresql
postgres_bin=$(postgres_programs) postgres_dir=$work/postgres postgres_port=$(free_port)
mkdir "$postgres_dir"
postgres_as=()
if ((EUID == 0)); then
	# It refuses to run as root; its package has made a user for it.
	postgres_as=(setpriv --reuid=postgres --regid=postgres --init-groups)
	chmod 711 "$work"
	chown postgres "$postgres_dir"
fi
(
	cd "$postgres_dir"
	"${postgres_as[@]}" "$postgres_bin/initdb" -D data -U talix -A trust -E UTF8 --locale=C --no-instructions >/dev/null
)
background postgres "${postgres_as[@]}" "$postgres_bin/postgres" -D "$postgres_dir/data" \
	-c listen_addresses=127.0.0.1 -c port="$postgres_port" -c unix_socket_directories="$postgres_dir" -c max_connections=300
wait_until postgres 60 "$postgres_bin/pg_isready" -h 127.0.0.1 -p "$postgres_port"
export TALIX_TEST_POSTGRES="postgres://talix@127.0.0.1:$postgres_port/postgres?sslmode=disable"
