// The layers of a case, step by step.

/** Shows the layers. */
function startLayers(host, data) {
  const found = data.runs.flatMap((run) => run.layers.map((steps) => ({ steps, name: `${run.name}: ${run.cases[steps.case]}` })));
  if (found.length === 0) return host.replaceChildren(make("p", {}, "No layers were recorded."));
  const of = chooser("Case", (name) => { address.set("layers.case", name); choose(); });
  found.forEach(({ name }) => of.select.append(make("option", { value: name }, name)));
  const columns = [
    column("step", "", "Its place in the network."),
    wordColumn("layer", "PyTorch's name of the layer."),
    wordColumn("op", "What is done."),
    column("level", "", "Level of the result."),
    column("seconds", "s", "Median over the images.", { bar: true }),
    column("memory", "B", "Resident memory after it, the most."),
    column("error", "error", "Largest error against the same polynomials in cleartext, over all images."),
    column("mean", "error", "Mean error against the same polynomials in cleartext."),
    column("bits", "bits", "−log2 of the largest error.", { bar: true }),
    column("own_bits", "bits", "For a bootstrap: its own precision, the least."),
    column("approximation", "error", "Largest error of the polynomials against exact ReLUs."),
    column("overflow", "values", "Values outside the activation's interval, over all images."),
  ];
  const grid = new Grid(host, { label: "Layers", noun: "step", prefix: "layers.", height: 26, first: "", tools: [of.label] });
  const choose = () => {
    const { steps, name } = found.find(({ name }) => name === address.get("layers.case")) ?? found[0];
    of.select.value = name;
    const rows = steps.layer.map((layer, at) => ({ values: [at + 1, layer,
      ...columns.slice(2).map(({ key }) => steps[key][at] ?? null)] }));
    grid.show(columns, rows);
  };
  address.follow(choose);
  return grid;
}
