"""An internet of a test's own, where well-known names are places with public addresses."""
