"""The bare steps of ``analyze`` are all measured. No test looks at times."""

from benchmarks import command_floor


def test_each_step_has_a_row_and_the_floor_is_their_sum(monkeypatch, capsys):
    monkeypatch.setattr(command_floor, "processor", lambda step, n: (step(), 2.0)[1])
    monkeypatch.setattr(command_floor, "loading", lambda libraries: 3.0 * len(libraries))
    monkeypatch.setattr(command_floor, "CHUNK", 2)
    command_floor.main(["--images", "1000"])
    table, _, words = capsys.readouterr().out.partition("\nfloor: ")
    rows = [line.split("|")[1:-1] for line in table.strip().splitlines()[2:]]
    assert rows[0][0].strip() == "decode an image"
    total = sum(float(row[-1]) for row in rows)
    assert words.startswith(f"{total:.1f} s of processor time, {total / 2:.1f} s on 2 cores")
