"""Nothing crosses a workspace: a matrix made from the URL map, the serializers and the filters themselves."""
