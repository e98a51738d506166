"""Teams that share one app: what belongs to which, what each may use, and what their members may see."""
