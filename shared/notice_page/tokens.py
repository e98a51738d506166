"""The design tokens of mails: those of the console's style sheet, since a mail has no style sheet to share.

They stand alone, and a test compares them with `triggers/console/static/console.css`.
"""

LIGHT = {
    "ground": "#f7f8f7",
    "surface": "#ffffff",
    "raised": "#eef2f0",
    "line": "#d5dcd9",
    "text": "#17211f",
    "faint": "#55635f",
    "accent": "#1f5c57",
    "accent-text": "#ffffff",
    "link": "#14534e",
    "good": "#1c6b3a",
    "good-ground": "#e3f3e8",
    "warn": "#7a4d00",
    "warn-ground": "#fdf0d5",
    "bad": "#9b1c1c",
    "bad-ground": "#fbe6e4",
}
DARK = {
    "ground": "#101615",
    "surface": "#18201e",
    "raised": "#212b29",
    "line": "#36433f",
    "text": "#e6edea",
    "faint": "#9fb0aa",
    "accent": "#6fc2b7",
    "accent-text": "#06201d",
    "link": "#86d3c8",
    "good": "#7ed69a",
    "good-ground": "#16301f",
    "warn": "#f1c36b",
    "warn-ground": "#352a10",
    "bad": "#ff9d92",
    "bad-ground": "#3d1a17",
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif"
