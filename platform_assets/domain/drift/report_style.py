"""How a drift report looks: the colours of all pictures of the platform, in a page that also prints."""

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING

STYLE = f"""
:root {{ color-scheme: light }}
body {{ font: 14px/1.45 system-ui, "DejaVu Sans", sans-serif; color: {INK}; background: #fff; max-width: 1180px;
  margin: 28px auto; padding: 0 24px }}
h1 {{ font-size: 22px; margin: 0 0 12px }}
h2 {{ font-size: 16px; margin: 28px 0 6px }}
p {{ margin: 4px 0; max-width: 900px }}
.note {{ color: #52606d; font-size: 13px }}
.verdict {{ padding: 10px 14px; border-left: 5px solid {ACCENT}; background: #f2f6fe; max-width: none;
  font-size: 15px }}
.verdict.drifted {{ border-color: {WARNING}; background: #fdf5ea }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 14px 0; font-size: 13px }}
dt {{ color: #52606d }}
dd {{ margin: 0 }}
table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100% }}
th {{ text-align: left; color: #52606d; font-weight: 600; padding: 4px 10px 4px 0; border-bottom: 1px solid {FAINT} }}
td {{ padding: 3px 10px 3px 0; border-bottom: 1px solid {GRID}; vertical-align: middle; white-space: nowrap }}
td.wide {{ white-space: normal; width: 60% }}
tr.moved td:first-child {{ box-shadow: inset 3px 0 {WARNING}; padding-left: 8px }}
svg {{ display: block }}
svg text {{ font-size: 11px; fill: #52606d }}
.reference rect {{ fill: #cbd2d9 }}
.today {{ fill: none; stroke: {ACCENT}; stroke-width: 1.4 }}
tr.moved .today {{ stroke: {WARNING} }}
.bar {{ fill: #cbd2d9 }}
.today-bar {{ fill: {ACCENT} }}
.axis {{ stroke: {FAINT} }}
.none {{ color: {FAINT} }}
.index {{ display: inline-block; min-width: 64px; padding-left: 2px;
  background: linear-gradient({ACCENT}, {ACCENT}) 0 100% / calc(var(--size) * 60px) 3px no-repeat }}
.index.over {{ font-weight: 700; background-image: linear-gradient({WARNING}, {WARNING}) }}
@media print {{ body {{ margin: 0; max-width: none }} tr {{ break-inside: avoid }} }}
"""
