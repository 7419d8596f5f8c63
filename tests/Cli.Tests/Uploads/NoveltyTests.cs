using Gallery.Cli.Uploads;

namespace Gallery.Cli.Tests.Uploads;

public sealed class NoveltyTests
{
    private readonly Novelty novelty = new();

    [Fact]
    public void Nothing_is_taken_as_new_before_the_node_was_asked() => Assert.False(novelty.TryTakeAsNew());

    [Fact]
    public void The_more_answers_say_new_the_more_is_taken_as_new()
    {
        int[] runs = [.. Enumerable.Range(0, 7).Select(_ => RunAfter(100, 100))];
        Assert.Equal([1, 2, 4, 8, 16, 16, 16], runs);
    }

    [Fact]
    public void An_answer_that_says_known_ends_it()
    {
        novelty.Learn(100, 100);
        novelty.Learn(100, 100);
        Assert.Equal(0, RunAfter(100, 89));
        Assert.Equal(1, RunAfter(100, 90));
    }

    [Fact]
    public void After_a_refusal_the_node_is_asked_about_all()
    {
        novelty.Learn(100, 100);
        novelty.Refuse();
        Assert.Equal(0, RunAfter(100, 100));
    }

    private int RunAfter(int declared, int missing)
    {
        novelty.Learn(declared, missing);
        var run = 0;
        while (novelty.TryTakeAsNew())
        {
            run++;
        }

        return run;
    }
}
