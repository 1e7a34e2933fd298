demo test lint bench setup:
	python3 dev.py $@
.PHONY: demo test lint bench setup
