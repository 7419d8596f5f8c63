global using Gallery.Region.Errors;
