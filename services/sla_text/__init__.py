"""What is said to people, in English and in Spanish: times, alerts, explanations."""
