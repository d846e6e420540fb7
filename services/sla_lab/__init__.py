"""The offline workbench: recordings, simulation, scenarios, programs to replay through."""
