"""How long does SAELens' own trainer take for a dictionary of the same size on the same vectors, and is it as good?

The stream after a layer over a workspace's training text is written to a temporary file, which is deleted at the
end. Ours trains on it here, SAELens' `SAETrainer` in an environment of its own (it pins another TransformerLens): one
thread, BatchTopK, the same latents, batches and number of vectors. SAELens trains twice: with the rate, warm-up, decay
and betas of ours, and with its own defaults. Its dictionary is saved by it and read by `wonderland_sparse.read`, and
all are measured alike on held-out text: the share of variance left (FVU), what a token costs (ΔCE), latents active
(L0), dead. Seconds are of the processor, of training alone.

    python3 -m venv /tmp/theirs && /tmp/theirs/bin/pip install sae-lens
    python benchmarks/against_sae_lens.py wonderland-demo --theirs /tmp/theirs/bin/python --epochs 2

What would fool it: few epochs, where a low rate has not arrived; one seed each. Tokens are kept, as SAELens has no
table.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workspace", help="a workspace with a trained model, or with --job the folder of a job")
    parser.add_argument("--theirs", help="the Python of an environment that has sae-lens")
    parser.add_argument("--layer", type=int, default=2)
    parser.add_argument("--latents", type=int, default=1024)
    parser.add_argument("--active", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rate", type=float, default=8e-3)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        their_part(Path(options.workspace), options.job)
        return
    if not options.theirs:
        parser.error("--theirs is missing: the Python of an environment that has sae-lens")
    our_part(options)


def seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def our_part(options):
    """Train ours, have theirs trained, and measure all alike."""
    import torch
    from safetensors.torch import save_file

    import wonderland as wl
    import wonderland_sparse
    from wonderland_sparse.learning import Recipe, learn, steps_of
    from wonderland_sparse.streams import held_out, of_text

    torch.set_num_threads(1)
    specimen = wl.Workspace(options.workspace).specimen()
    x = of_text(specimen, specimen.background, [options.layer])[options.layer].x
    held = held_out(specimen, [options.layer])[options.layer]
    recipe = Recipe(options.latents, options.active, rate=options.rate, epochs=options.epochs)
    steps = steps_of(recipe, len(x))
    begun = seconds()
    ours = learn(x, recipe, seed=0)
    rows = [("ours", seconds() - begun, ours)]
    with tempfile.TemporaryDirectory() as folder:
        save_file({"x": x}, Path(folder) / "vectors.safetensors")
        job = {
            "steps": steps,
            "batch": recipe.batch,
            "latents": options.latents,
            "active": options.active,
            "rate": options.rate,
            "layer": options.layer,
        }
        (Path(folder) / "job.json").write_text(json.dumps(job))
        for name in ("as ours", "its own"):
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled", "HF_HUB_OFFLINE": "1"}
            command = [options.theirs, __file__, folder, "--job", name]
            said = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
            took = float(said.split()[-1])
            rows.append((f"SAELens, rates {name}", took, wonderland_sparse.read(Path(folder) / name).dictionary))
    print(f"{steps} steps of {recipe.batch} vectors, {options.latents} latents, layer {options.layer}, one thread")
    print("| trainer | seconds of processor | times ours | FVU | ΔCE, nats a token | L0 | dead |")
    print("|---|---|---|---|---|---|---|")
    for name, took, one in rows:
        fvu, cost, l0, dead = measured(specimen, options.layer, held, one)
        print(f"| {name} | {took:.1f} | {took / rows[0][1]:.2f} | {fvu} | {cost} | {l0:.1f} | {dead:.1%} |", flush=True)


def measured(specimen, layer, held, one):
    """Return FVU, ΔCE, L0 and the share of dead latents of a dictionary on held-out text."""
    from wonderland.lab.stats import cluster_bootstrap
    from wonderland_sparse.quality import densities, errors, ratio, spliced, unexplained

    fvu = ratio(errors(one, held.x), unexplained(held.x), held.places.conversation)
    rise = spliced(specimen, layer, lambda x, tokens: one.decode(one.encode(x))) - spliced(specimen, layer, None)
    evidence = specimen.evidence
    conversation = evidence.conversation.repeat(evidence.lengths - 1)
    cost = cluster_bootstrap(rise, rise * 0 + 1, conversation)
    density = densities(one, held.x)

    def told(of):
        return f"{float(of.value):.3f} [{float(of.low):.3f}, {float(of.high):.3f}]"

    return told(fvu), told(cost), float(density.sum()), float((density == 0).mean())


def their_part(folder, name):
    """Train with SAELens, in its environment; print the seconds of processor it took."""
    import torch
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer
    from safetensors.torch import load_file

    torch.set_num_threads(1)
    torch.manual_seed(0)
    job, x = json.loads((folder / "job.json").read_text()), load_file(folder / "vectors.safetensors")["x"]
    batch, steps = job["batch"], job["steps"]

    def batches():
        while True:
            order = torch.randperm(len(x))
            for start in range(0, len(x) - batch + 1, batch):
                yield x[order[start : start + batch]].float()

    sae = BatchTopKTrainingSAE(
        BatchTopKTrainingSAEConfig(
            d_in=x.shape[1], d_sae=job["latents"], k=job["active"], normalize_activations="expected_average_only_in"
        )
    )
    alike = {
        "lr": job["rate"],
        "lr_warm_up_steps": round(0.02 * steps),
        "lr_decay_steps": steps // 2,
        "adam_beta2": 0.99,
        "dead_feature_window": max(min(round(steps / 160), round(100_000 / batch)), 4),
    }
    config = SAETrainerConfig(
        total_training_samples=steps * batch,
        train_batch_size_samples=batch,
        n_batches_for_norm_estimate=50,
        lr_end=0.0 if name == "as ours" else None,
        **(alike if name == "as ours" else {}),
    )
    if config.lr_end is None:  # what SAELens' runner fills in
        config.lr_end = config.lr / 10
    trainer = SAETrainer(config, sae, batches())
    begun = seconds()
    trainer.fit()
    took = seconds() - begun
    sae.cfg.metadata.hook_name = f"blocks.{job['layer']}.hook_resid_post"
    sae.save_inference_model(folder / name)
    print(took)


if __name__ == "__main__":
    sys.exit(main())
