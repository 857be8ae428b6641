"""What calls may say and what they are answered; the OpenAPI document is made of it."""
