"""
Finding 8: where the model is surprised
=======================================

In the notes the most surprising tokens of a few prompts all begin a message. Here the loss is averaged over held-out
conversations by place in the message, and the single most surprising tokens are looked at, too.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("token-loss",)


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    the most surprising tokens all begin a message: see (10.29), leaving (9.94), are (8.99).")
    print("         Training loss 2.83, perplexity 17; no held-out loss.")
    loss = results["token-loss"]
    first, later, top = loss.by_kind["first word"], loss.by_kind["later words"], loss.surprising
    begin = sum(starts_message(loss.conversations[row["conversation"]], row["position"]) for row in top)
    print(f"here     first words cost {nats(first)}, later ones {nats(later)}; n={first.n} conversations.")
    named = ", ".join(f"{row['piece'].strip()} ({row['loss']:.1f})" for row in top[:5])
    print(f"         Of the {len(top)} most surprising in the windows shown, {begin} begin a message:")
    print(f"         {named} …")
    print(f"         Loss in the held-out windows that are examined: {nats(loss.overall)}.")
    sure = "sure" if first.trusted else "unsure: too few conversations"
    more, most = bool(first.low > later.high), 2 * begin > len(top)
    if more and most:
        print(f"verdict  holds ({sure}): first words cost more, and most extremes are first words.")
    elif more:
        print(f"verdict  holds in part ({sure}): first words cost more, but the extremes are rare words anywhere.")
    elif most:
        print(f"verdict  holds in part ({sure}): most extremes are first words, but on average these cost no more.")
    else:
        print(f"verdict  does not hold ({sure}): few extremes are first words, and these are not shown to cost more.")


def starts_message(conversation: dict, position: int) -> bool:
    """Say whether a token is the first after its speaker token."""
    return conversation["tokens"][position - 1] in ("<|me|>", "<|them|>")


def nats(cost: wl.Estimate) -> str:
    """Return a cost in nats a token with its 95% interval."""
    return f"{cost.value:.2f} nats [{cost.low:.2f}, {cost.high:.2f}]"


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
