"""What every package stands on: settings from files, secrets, mistakes told in a sentence."""
