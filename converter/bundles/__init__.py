"""From a model to a bundle: conversion, gate, weights, thresholds."""
