# For the measure.sh beside: runs benchmarks of the shop on a module as it is published
# and on a patched copy, in turns.
compare_shops() { # module, patched copy, folder to work in, benchmarks, time
	cp go.mod "$3/after.mod"
	cp go.sum "$3/after.sum"
	"$go" mod edit -replace "$1=$2" "$3/after.mod"
	"$go" test -c -o "$3/before.test" ./cmd
	"$go" test -c -o "$3/after.test" -modfile "$3/after.mod" ./cmd
	for round in 1 2 3; do
		for side in before after; do
			echo "== the shop $side, round $round"
			(cd "$3" && "./$side.test" -test.run '^$' -test.bench "$4" -test.benchtime "$5" -test.benchmem | grep ^Benchmark)
		done
	done
}
