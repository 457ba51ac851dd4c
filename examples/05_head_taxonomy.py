"""
Finding 5: what every head is for
=================================

The notes give each of 16 heads a role, from its pattern, its entropy and one ablation without an interval. Here a head
has a role only if an intervention supports it, by a rule that is written beside it; the rest are said to have none.
"""

import sys
from pathlib import Path

import wonderland as wl
from wonderland.lab.results import Results

ASKS = ("head-patterns", "head-ablation", "head-taxonomy")


def examine(results: Results) -> None:
    """Print what the notes found, what is found here, and the verdict."""
    print("notes    16 of 16 heads have a role; 3 of 4 in the last layer read position 0; L2H3, L3H1, L3H2 do harm.")
    taxonomy, cost = results["head-taxonomy"], results["head-ablation"].cost["resample"]
    heads, named, copying = len(taxonomy.heads), len(taxonomy.named), len(taxonomy.copying)
    have = f"{named - copying} of {heads} heads {'has' if named - copying == 1 else 'have'}"
    print(f"here     {have} a role that an intervention supports; {copying} are needed and copy by their weights:")
    for role, group in taxonomy.by_role.items():
        print(f"         {role}: {', '.join(group)}.")
    for i in [i for i in taxonomy.named if i not in taxonomy.copying][:4]:
        print(f"         {taxonomy.heads[i]}: {taxonomy.rules[i]}.")
    last = results["head-patterns"].labels[-1]
    reading, harm = sum("first" in label for label in last), len(taxonomy.by_role.get("harmful", ()))
    print(f"         {reading} of {len(last)} heads of the last layer read position 0; {harm} of {heads} do harm.")
    sure = f"{'sure' if cost.trusted else 'unsure: too few conversations'}; n={cost.n} conversations"
    if named == heads and 2 * reading > len(last):
        print(f"verdict  holds ({sure}): every head has a role, and the last layer reads position 0.")
    elif 2 * (named - copying) > heads:
        print(f"verdict  holds in part ({sure}): most heads have a role, but not those of the notes.")
    elif 2 * named > heads:
        print(f"verdict  holds in part ({sure}): most heads are needed and copy; few have a role beyond that.")
    else:
        print(f"verdict  does not hold ({sure}): for most heads no intervention supports a role.")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "wonderland-demo"
    if not Path(folder).is_dir():
        sys.exit(f"There is no workspace {folder}. Make it first: wonderland demo {folder}")
    examine(wl.Workspace(folder).analyze(*ASKS))
