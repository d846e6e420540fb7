"""The texts people read, in English and in Spanish: times, alerts, explanations."""
