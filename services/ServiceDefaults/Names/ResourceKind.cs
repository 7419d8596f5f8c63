namespace Gallery.ServiceDefaults.Names;

/// <summary>What a resource name names.</summary>
public enum ResourceKind
{
    /// <summary><c>subscriptions/{s}</c>.</summary>
    Subscription,

    /// <summary><c>subscriptions/{s}/resourceGroups/{rg}</c>.</summary>
    ResourceGroup,

    /// <summary><c>…/galleries/{g}</c>.</summary>
    Gallery,

    /// <summary>An image definition: <c>…/galleries/{g}/images/{i}</c>.</summary>
    Image,

    /// <summary><c>…/galleries/{g}/images/{i}/versions/{v}</c>.</summary>
    ImageVersion,

    /// <summary><c>…/galleries/{g}/applications/{a}</c>.</summary>
    Application,

    /// <summary><c>…/galleries/{g}/applications/{a}/versions/{v}</c>.</summary>
    ApplicationVersion,

    /// <summary><c>subscriptions/{s}/resourceGroups/{rg}/snapshots/{n}</c>.</summary>
    Snapshot,
}
