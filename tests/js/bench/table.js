// The figures of all rows as lines of text, for people.

const COLUMNS = ["phoenix", "baseline", "herenow", "on_phoenix_channel"];

export function table(results) {
  const head = ["", "members", ...COLUMNS, "× phoenix", "× baseline", "on phoenix's channel"];
  const lines = results.map((result) => {
    const unit = "phoenix_us" in result ? "us" : "bytes";
    const figures = COLUMNS.map((column) => figure(result[`${column}_${unit}`], unit));
    const { row, members, times_phoenix, times_baseline, on_phoenix_channel_times_phoenix } = result;
    return [row, members, ...figures, times_phoenix, times_baseline, on_phoenix_channel_times_phoenix].map(String);
  });
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i].length)));
  const aligned = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
  return [head, ...lines].map((line) => line.map(aligned).join("  ").trimEnd()).join("\n");
}

function figure(value, unit) {
  if (unit === "bytes") return `${(value / 1e6).toFixed(1)} MB`;
  return value < 1_000 ? `${value} µs` : `${Number((value / 1_000).toPrecision(3))} ms`;
}
