# SPDX-License-Identifier: MIT

defmodule Linx.Process.Error.Mounts do
  @moduledoc false
  # What the failures of set-up commands on files and mounts mean, for `Linx.Process.Error`. Pure.

  @unmapped "the session's user namespace maps no id to which the file could belong; its maps come first"
  @needs_mount "the session has no mount namespace of its own, or its child no CAP_SYS_ADMIN there"
  @slot "the slot is empty, in use, or never used"
  @leads_out "a link of the root leads round in circles, or is one of /proc that leads to another process's files"

  @hints [
           {:tree_open, :enoent, "there is nothing at the path, and the tree is not :optional"},
           {:tree_open, :einval,
            "the tree has mounts in it that may not be left away in a user namespace (:recursive takes them along), or " <>
              @slot},
           {:mount_open, :einval,
            "an option is none of the file system's own (those of a mount are attributes), or " <>
              @slot},
           {:mount_open, :enodev, "this kernel has no such file system"},
           {:mount_open, :eperm,
            "the session has no mount namespace of its own; or, in a user namespace, this file system needs a fresh " <>
              "namespace as well: proc a :pid (and a /proc of the host's with nothing mounted over its parts), sysfs a " <>
              ":net, cgroup2 a :cgroup, mqueue an :ipc, and others are root's alone"},
           {:root, :einval,
            "the root was changed before, the host's root is an initramfs (pivot_root(2)), or " <>
              @slot},
           {:root, :exdev, "another root than the one that was meant has been reached"},
           {:root, :eperm,
            @needs_mount <> "; a session that enters has the root of what it enters"},
           {:attach, :einval, "the target is the root, or " <> @slot},
           {:attach, :enotdir, "a directory covers a directory alone"},
           {:attach, :eisdir, "a file or a device covers no directory"},
           {:attach, :eloop,
            "the target ends in a link, which is not followed for proc and sysfs; or the tree holds a mount namespace"},
           {:attach, :enosys, "recursive attributes need Linux 5.12 (mount_setattr(2))"},
           {:readonly, :enosys, "a read-only tree needs Linux 5.12 (mount_setattr(2))"},
           {:readonly, :einval, "the path is the root"},
           {:mask, :einval,
            "the path is the root; or the slots do not hold /dev/null and an empty tmpfs that were opened before the root " <>
              "was changed"},
           {:mount_attr, :einval, "no mount begins at the target"},
           {:mount_attr, :eperm,
            "an attribute that the host has set may not be cleared in a user namespace (mount_namespaces(7))"},
           {:mount_attr, :enosys, "recursive attributes need Linux 5.12 (mount_setattr(2))"},
           {:propagation, :einval, "no mount begins at the target"},
           {:unmount, :einval,
            "nothing is mounted there, or what is came with the namespace and is locked (mount_namespaces(7))"},
           {:unmount, :ebusy, "other mounts or open files are in it; :detach does not mind"},
           {:device, :eperm,
            "the session has no mount namespace of its own, or a user namespace, in which no device can be made: attach " <>
              "the host's"}
         ] ++
           for(
             stage <- ~w(attach tree_open mkdir symlink file device readonly mask)a,
             do: {stage, :eoverflow, @unmapped}
           ) ++
           for(
             stage <-
               ~w(tree_open mkdir symlink file device mount_attr propagation unmount readonly mask chroot)a,
             do: {stage, :eloop, @leads_out}
           ) ++
           for(
             stage <- ~w(tree_open attach mkdir symlink file propagation unmount readonly mask)a,
             do: {stage, :eperm, @needs_mount}
           )

  @doc """
  `{stage, errno, sentence}` of each.

      iex> {:attach, :eisdir, text} = List.keyfind(Linx.Process.Error.Mounts.hints(), :eisdir, 1)
      iex> text
      "a file or a device covers no directory"
  """
  @spec hints() :: [{atom(), atom(), String.t()}]
  def hints, do: @hints
end
