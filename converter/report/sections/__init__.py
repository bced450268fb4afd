"""Parts of the report, one file for each thing that was measured."""
