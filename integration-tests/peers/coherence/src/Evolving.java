import com.tangosol.io.AbstractEvolvable;
import com.tangosol.io.pof.EvolvablePortableObject;
import com.tangosol.io.pof.PofReader;
import com.tangosol.io.pof.PofWriter;
import com.tangosol.io.pof.schema.annotation.PortableType;

import java.io.IOException;

/** Classes whose data may be of another version than the class. */
public final class Evolving {
    private Evolving() {
    }

    /** POF user type 1006 in its version 2; version 1 had the name alone. */
    public static final class Contact extends AbstractEvolvable implements EvolvablePortableObject {
        private String name;
        private String email;
        private int visits;

        public Contact() {
        }

        Contact(String name, String email, int visits) {
            this.name = name;
            this.email = email;
            this.visits = visits;
        }

        @Override
        public int getImplVersion() {
            return 2;
        }

        @Override
        public void readExternal(PofReader in) throws IOException {
            name = in.readString(0);
            email = in.readString(1);
            visits = in.readInt(2);
        }

        @Override
        public void writeExternal(PofWriter out) throws IOException {
            out.writeString(0, name);
            out.writeString(1, email);
            out.writeInt(2, visits);
        }

        @Override
        public String toString() {
            return "Contact{" + name + ", " + email + ", " + visits + ", data of version " + getDataVersion() + "}";
        }
    }

    /** POF user type 1010. Coherence's generator adds what reads and writes it. */
    @PortableType(id = 1010, version = 1)
    public static class Animal {
        private String species;
        private int legs;

        public Animal() {
        }

        Animal(String species, int legs) {
            this.species = species;
            this.legs = legs;
        }

        @Override
        public String toString() {
            return "Animal{" + species + ", " + legs + "}";
        }
    }

    /** POF user type 1011, a class below 1010. */
    @PortableType(id = 1011, version = 2)
    public static final class Dog extends Animal {
        private String breed;

        public Dog() {
        }

        Dog(String species, int legs, String breed) {
            super(species, legs);
            this.breed = breed;
        }

        @Override
        public String toString() {
            return "Dog{" + super.toString() + ", " + breed + "}";
        }
    }
}
