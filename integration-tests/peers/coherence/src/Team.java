import com.tangosol.io.pof.PofReader;
import com.tangosol.io.pof.PofWriter;
import com.tangosol.io.pof.PortableObject;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** POF user type 1005, and the JSON alias {@code sports.Team}: everything that both formats have. */
public final class Team implements PortableObject, Serializable {
    private static final long serialVersionUID = 1;

    private String name;
    private GridTool.Color color;
    private GridTool.Person captain;
    private List<GridTool.Person> members;
    private Map<String, Integer> points;
    private Integer rank;
    private double rating;
    private boolean active;

    public Team() {
    }

    /** The team of this number: 0 has every default, the others differ from all defaults. */
    static Team sample(int number) {
        Team team = new Team();
        if (number != 0) {
            team.name = "Zoë's " + number;
            team.color = GridTool.Color.GREEN;
            team.captain = new GridTool.Person("Ann", 50, new GridTool.Address("Main Street", "Prague"));
            team.members = new ArrayList<>(List.of(team.captain, new GridTool.Person("Bob", 0, null)));
            team.points = new LinkedHashMap<>(Map.of("home", 3, "away", 0));
            team.rank = number;
            team.rating = 0.5;
            team.active = true;
        }
        return team;
    }

    @Override
    public void readExternal(PofReader in) throws IOException {
        name = in.readString(0);
        color = in.readObject(1);
        captain = in.readObject(2);
        members = in.readCollection(3, new ArrayList<>());
        points = in.readMap(4, new LinkedHashMap<>());
        rank = in.readObject(5);
        rating = in.readDouble(6);
        active = in.readBoolean(7);
    }

    @Override
    public void writeExternal(PofWriter out) throws IOException {
        out.writeString(0, name);
        out.writeObject(1, color);
        out.writeObject(2, captain);
        out.writeCollection(3, members);
        out.writeMap(4, points);
        out.writeObject(5, rank);
        out.writeDouble(6, rating);
        out.writeBoolean(7, active);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Team t && toString().equals(t.toString());
    }

    @Override
    public int hashCode() {
        return Objects.hash(toString());
    }

    @Override
    public String toString() {
        return "Team{" + name + ", " + color + ", " + captain + ", " + members + ", "
                + (points == null ? null : new TreeMap<>(points)) + ", " + rank + ", " + rating + ", " + active + "}";
    }
}
