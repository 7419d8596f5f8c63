using Gallery.Cli;

return await new CommandRunner(Surroundings.OfThisProcess()).RunAsync(args, CancellationToken.None);
